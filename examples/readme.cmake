# README.md shows the C++ example; what it shows must be what is compiled here.
foreach(name README EXAMPLE)
  file(READ ${${name}} ${name}_text)
endforeach()
string(FIND "${README_text}" "```cpp\n${EXAMPLE_text}```\n" found)
if(found EQUAL -1)
  message(FATAL_ERROR "${README} does not show ${EXAMPLE} as it is")
endif()
