# Writes the assembler source of a library that has a name for programs to link with, and nothing else: every symbol that
# libalng_cann exports, without contents. The loader finds them all in libalng_cann, which the library is a filter of.
#
#   cmake -DNM=nm -DLIBRARY=libalng_cann.so.0 -DOUTPUT=names.s -P link_library.cmake
execute_process(COMMAND ${NM} --dynamic --defined-only --format=posix ${LIBRARY}
                OUTPUT_VARIABLE symbols RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "${NM} cannot read ${LIBRARY}")
endif()
set(text "")
string(REGEX MATCHALL "[^\n]+" lines "${symbols}")
foreach(line IN LISTS lines)
  # NAME TYPE VALUE SIZE; functions are T or W, objects R, D, B or V.
  if(NOT line MATCHES "^([^ ]+) ([TWRDBV]) [0-9a-f]+ ?([0-9a-f]*)$")
    message(FATAL_ERROR "${LIBRARY}: not understood: ${line}")
  endif()
  set(name "${CMAKE_MATCH_1}")
  set(size "${CMAKE_MATCH_3}")
  if(CMAKE_MATCH_2 MATCHES "[TW]")
    string(APPEND text ".text\n.globl ${name}\n.type ${name}, %function\n${name}:\n.zero 4\n.size ${name}, 4\n")
  else()
    # A program may copy it, so its size counts.
    string(APPEND text ".data\n.balign 16\n.globl ${name}\n.type ${name}, %object\n${name}:\n.zero 0x${size}\n"
           ".size ${name}, 0x${size}\n")
  endif()
endforeach()
file(WRITE ${OUTPUT} "${text}.section .note.GNU-stack,\"\",%progbits\n")
