# SPDX-License-Identifier: BSD-3-Clause
"""A comparison as JUnit: a suite per series, a case per finding; a series without any has one that passes."""
import xml.etree.ElementTree as ET


def _case(suite, finding):
    case = ET.SubElement(suite, "testcase", classname=finding.title,
                         name=f"{finding.subject or 'all'} ({finding.tier})")
    lines = [p for p in (finding.because, *finding.evidence) if p]
    if finding.gates:
        failure = ET.SubElement(case, "failure", message=finding.change, type=finding.tier)
        failure.text = "\n".join(lines)
    else:
        ET.SubElement(case, "system-out").text = "\n".join([finding.change, *lines])


def render(comparison, titles):
    """`titles` are those of all series that were compared."""
    root = ET.Element("testsuites", name="ringside gate")
    by_title = {title: [] for title in titles}
    for f in comparison.findings:
        by_title.setdefault(f.title, []).append(f)
    for title, found in by_title.items():
        suite = ET.SubElement(root, "testsuite", name=title, tests=str(max(1, len(found))),
                              failures=str(sum(f.gates for f in found)), errors="0")
        if not found:
            ET.SubElement(suite, "testcase", classname=title, name="nothing changed")
        for f in found:
            _case(suite, f)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"
