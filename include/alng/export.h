/* Marks what the shared library exports; everything else is hidden. */
#ifndef ALNG_EXPORT_H
#define ALNG_EXPORT_H

#if defined(ALNG_STATIC)
#define ALNG_EXPORT
#elif defined(__GNUC__)
#define ALNG_EXPORT __attribute__((visibility("default")))
#else
#define ALNG_EXPORT
#endif

#endif
