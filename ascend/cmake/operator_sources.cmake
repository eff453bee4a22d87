# Where the operator's sources are. CANN takes the names of files and of the kernel's function from the operator's type,
# so another type (AddLayerNormGradFast) needs other sources: copies with the names replaced.

# alng_operator_sources(OPTYPE) sets ALNG_OPERATOR, the type in snake case, and ALNG_OP_HOST and ALNG_OP_KERNEL, the
# folders with its sources.
function(alng_operator_sources optype)
  if(NOT optype MATCHES "^[A-Z][A-Za-z0-9]*$")
    message(FATAL_ERROR "ALNG_OPTYPE is \"${optype}\": it has to be a name like AddLayerNormGrad.")
  endif()
  # As CANN forms it: _ before a capital that begins a word or ends a run of capitals. AddLNGrad is add_ln_grad.
  string(REGEX REPLACE "([A-Z])([A-Z][a-z])" "\\1_\\2" snake "${optype}")
  string(REGEX REPLACE "([a-z0-9])([A-Z])" "\\1_\\2" snake "${snake}")
  string(TOLOWER "${snake}" snake)
  set(sources ${CMAKE_CURRENT_SOURCE_DIR})
  if(NOT optype STREQUAL AddLayerNormGrad)
    # Beside the build folder: what lies in it is not copied to the source package.
    get_filename_component(parent ${CMAKE_CURRENT_BINARY_DIR} DIRECTORY)
    get_filename_component(name ${CMAKE_CURRENT_BINARY_DIR} NAME)
    set(sources ${parent}/${snake}_of_${name})
    file(REMOVE_RECURSE ${sources})
    file(GLOB_RECURSE files RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} op_host/* op_kernel/*)
    foreach(file ${files})
      file(READ ${file} text)
      string(REPLACE AddLayerNormGrad ${optype} text "${text}")
      string(REPLACE add_layer_norm_grad ${snake} text "${text}")
      string(REPLACE add_layer_norm_grad ${snake} to ${file})
      file(WRITE ${sources}/${to} "${text}")
    endforeach()
  endif()
  string(FIND ${sources}/ ${CMAKE_CURRENT_BINARY_DIR}/ within)
  if(within EQUAL 0)
    message(FATAL_ERROR "The build folder ${CMAKE_CURRENT_BINARY_DIR} contains the kernel's sources, and CANN would leave "
      "them out of the package: it has to be another folder.")
  endif()
  set(ALNG_OPERATOR ${snake} PARENT_SCOPE)
  set(ALNG_OP_HOST ${sources}/op_host PARENT_SCOPE)
  set(ALNG_OP_KERNEL ${sources}/op_kernel PARENT_SCOPE)
endfunction()
