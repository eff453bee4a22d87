# The operator under another type. CANN takes the names of files and of the kernel's function from the operator's type,
# so that another type (AddLayerNormGradFast) needs other sources: copies with the names replaced.

# alng_operator_sources(OPTYPE DIRECTORY) sets ALNG_OPERATOR, the type in snake case, and ALNG_OP_HOST and
# ALNG_OP_KERNEL, the folders with its sources: this package's own, or copies in DIRECTORY.
function(alng_operator_sources optype directory)
  if(NOT optype MATCHES "^[A-Z][A-Za-z0-9]*$")
    message(FATAL_ERROR "ALNG_OPTYPE is \"${optype}\": it has to be a name like AddLayerNormGrad.")
  endif()
  string(REGEX REPLACE "([a-z0-9])([A-Z])" "\\1_\\2" snake "${optype}")
  string(TOLOWER "${snake}" snake)
  set(here ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/..)
  if(NOT CMAKE_CURRENT_FUNCTION_LIST_DIR)  # before CMake 3.17
    set(here ${CMAKE_CURRENT_SOURCE_DIR})
  endif()
  get_filename_component(here ${here} ABSOLUTE)
  set(ALNG_OPERATOR ${snake} PARENT_SCOPE)
  if(optype STREQUAL AddLayerNormGrad)
    set(ALNG_OP_HOST ${here}/op_host PARENT_SCOPE)
    set(ALNG_OP_KERNEL ${here}/op_kernel PARENT_SCOPE)
    return()
  endif()
  file(GLOB_RECURSE sources RELATIVE ${here} ${here}/op_host/* ${here}/op_kernel/*)
  foreach(source ${sources})
    file(READ ${here}/${source} text)
    string(REPLACE AddLayerNormGrad ${optype} text "${text}")
    string(REPLACE add_layer_norm_grad ${snake} text "${text}")
    string(REPLACE add_layer_norm_grad ${snake} to ${source})
    file(WRITE ${directory}/${to} "${text}")
  endforeach()
  set(ALNG_OP_HOST ${directory}/op_host PARENT_SCOPE)
  set(ALNG_OP_KERNEL ${directory}/op_kernel PARENT_SCOPE)
endfunction()
