# SPDX-License-Identifier: BSD-3-Clause
# What cmake --install puts where, besides the binaries (each beside its own rule).
#
#   share/man/man1, man7            manual pages: commands, guides
#   share/bash-completion/…         completion for bash, zsh and fish
#   share/ringside/schema           JSON schemas of results
#   share/ringside/expect           expectation files of known targets
#   share/doc/ringside              README.md, and the licence as copyright
set(ringside_data ${CMAKE_INSTALL_DATADIR}/ringside)

file(GLOB man_pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/harness/cli/man/*.1
     ${PROJECT_SOURCE_DIR}/ref-backends/cli/man/*.1)
install(FILES ${man_pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
file(GLOB man_guides CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/harness/cli/man/*.7)
install(FILES ${man_guides} DESTINATION ${CMAKE_INSTALL_MANDIR}/man7)

set(completion ${PROJECT_SOURCE_DIR}/harness/cli/completion)
# bash looks for a file with the command's name, zsh for one that starts with an underscore.
foreach(program ringside ringside-backend)
  install(FILES ${completion}/ringside.bash RENAME ${program}
          DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
  install(FILES ${completion}/ringside.fish RENAME ${program}.fish
          DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endforeach()
install(FILES ${completion}/_ringside DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/reports/schema DESTINATION ${ringside_data}
        FILES_MATCHING PATTERN "*.json")
# Scenarios, and what they name; 'ringside run' finds them by name. Labs are installed with their driver.
install(DIRECTORY ${PROJECT_SOURCE_DIR}/scenarios DESTINATION ${ringside_data}
        USE_SOURCE_PERMISSIONS PATTERN lab EXCLUDE PATTERN README.md EXCLUDE)
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/share/ringside)
file(CREATE_LINK ${PROJECT_SOURCE_DIR}/scenarios ${PROJECT_BINARY_DIR}/share/ringside/scenarios
     SYMBOLIC)
install(FILES ${PROJECT_SOURCE_DIR}/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright)
