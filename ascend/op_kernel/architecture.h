// Which architecture the kernel is compiled for. 2201: Atlas A2, A3. 3510: Ascend 950.
#ifndef ALNG_ASCEND_OP_KERNEL_ARCHITECTURE_H
#define ALNG_ASCEND_OP_KERNEL_ARCHITECTURE_H

// The package's build says it; elsewhere the compiler knows.
#ifndef ALNG_NPU_ARCH
#define ALNG_NPU_ARCH __NPU_ARCH__
#endif

#if ALNG_NPU_ARCH != 2201 && ALNG_NPU_ARCH != 3510
#error "add_layer_norm_grad has kernels for architecture 2201 (Atlas A2, A3) and 3510 (Ascend 950) only"
#endif

#endif
