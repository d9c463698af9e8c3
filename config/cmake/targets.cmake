# How targets are made: every folder is a library, every folder of tests/ that
# mirrors one is a test program. Sources are globbed, so a new file needs no edit.

add_library(voucherd_flags INTERFACE)
target_include_directories(voucherd_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(voucherd_flags INTERFACE
  -Wall -Wextra -Wpedantic -Werror -Wshadow -Wconversion -Wsign-conversion
  -Wold-style-cast -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough
  -Wnull-dereference -Wno-error=null-dereference -fno-omit-frame-pointer)
# GCC 12 takes "text" + std::string&& for an overlapping copy (its bug 105651) at -O2 and above.
target_compile_options(voucherd_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
# __int128 is an extension that -Wpedantic names; core/int128.h spells it with
# __extension__ in one place. char is made unsigned nowhere: no code may assume it.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  target_compile_options(voucherd_flags INTERFACE -march=x86-64-v2)
endif()
if(VOUCHERD_SANITIZE)
  target_compile_options(voucherd_flags INTERFACE -fsanitize=${VOUCHERD_SANITIZE} -fno-sanitize-recover=all -Wno-error)
  target_link_options(voucherd_flags INTERFACE -fsanitize=${VOUCHERD_SANITIZE})
endif()

# voucherd_library(metering/core DEPENDS public… PRIVATE private…)
function(voucherd_library folder)
  cmake_parse_arguments(ARG "" "" "DEPENDS;PRIVATE" ${ARGN})
  string(REPLACE "/" "_" name ${folder})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.cpp)
  if(folder STREQUAL "daemon")
    # daemon/ has rooms of its own; the two programs' mains are linked apart.
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/daemon/*.cpp)
    list(FILTER sources EXCLUDE REGEX "/daemon/(main|ctl/.*)\\.cpp$")
  endif()
  if(NOT sources)
    # A room that has only its headers yet: linking against it must still configure.
    set(sources ${PROJECT_BINARY_DIR}/unwritten_room.cpp)
    file(TOUCH ${sources})
  endif()
  add_library(${name} STATIC ${sources})
  set_target_properties(${name} PROPERTIES LINKER_LANGUAGE CXX)
  target_link_libraries(${name} PUBLIC voucherd_flags ${ARG_DEPENDS} Threads::Threads PRIVATE ${ARG_PRIVATE})
endfunction()

# voucherd (the daemon) and voucherctl (the client) land in the build folder itself.
function(voucherd_programs)
  file(GLOB ctl_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/daemon/ctl/*.cpp)
  list(FILTER ctl_sources EXCLUDE REGEX "/main\\.cpp$")
  if(EXISTS ${PROJECT_SOURCE_DIR}/daemon/main.cpp)
    add_executable(voucherd ${PROJECT_SOURCE_DIR}/daemon/main.cpp)
    target_link_libraries(voucherd PRIVATE daemon spdlog::spdlog CLI11::CLI11)
    set_target_properties(voucherd PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
  endif()
  if(ctl_sources)
    # A library of its own: the tests link the commands without their main.
    add_library(daemon_ctl STATIC ${ctl_sources})
    target_link_libraries(daemon_ctl PUBLIC daemon CLI11::CLI11 nlohmann_json::nlohmann_json OpenSSL::SSL)
    add_executable(voucherctl ${PROJECT_SOURCE_DIR}/daemon/ctl/main.cpp)
    target_link_libraries(voucherctl PRIVATE daemon_ctl)
    set_target_properties(voucherctl PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
  endif()
endfunction()

# voucherd_test(metering/core LINK libraries…): tests/metering/core/*_test.cpp as one program.
function(voucherd_test folder)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  string(REPLACE "/" "_" name ${folder})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/${folder}/*.cpp)
  if(sources)
    add_executable(${name}_test ${sources})
    target_link_libraries(${name}_test PRIVATE voucherd_flags ${ARG_LINK} GTest::gmock GTest::gtest_main)
    target_compile_definitions(${name}_test PRIVATE VOUCHERD_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    # Tests wait for what they test: optimising them too would only make the build slow.
    target_compile_options(${name}_test PRIVATE -O1)
    # The tests of one program run in one process each way round: discovery per
    # case would start a process per test and cost minutes on two cores.
    add_test(NAME ${name} COMMAND ${name}_test)
    set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 600)
  endif()
endfunction()
