# SPDX-License-Identifier: BSD-3-Clause
# A Debian package of what is installed: cpack -G DEB, in the build tree.
#
# The programs in C need their libraries only, which are found; what 'ringside run', 'report' and the like
# need is recommended, so that a machine that only runs conform and bench can do without Python.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME ringside)
set(CPACK_PACKAGE_VENDOR "the Ringside authors")
set(CPACK_PACKAGE_CONTACT "the Ringside authors <ringside@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY ${PROJECT_DESCRIPTION})
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "Checks back-ends of virtio devices against the VIRTIO and vhost-user specifications,
clause by clause, over a vhost-user socket and inside guests, and measures what a
request costs under each hypervisor and each way of connecting a back-end to it.
Reference back-ends are included.")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "python3, python3-jinja2, python3-jsonschema, python3-numpy,
 python3-yaml, python3-pytest, qemu-system-x86 | qemu-system-arm")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "python3-pytest-xdist, python3-matplotlib, lttng-tools,
 qemu-system-common, qemu-system-misc, opensbi")
# Programs for guests are stripped by nobody but us: dpkg's tools do not know their formats.
set(CPACK_DEBIAN_DEBUGINFO_PACKAGE OFF)
include(CPack)
