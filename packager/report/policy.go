package report

import "hozen/packager/report/page"

// Policy is the Content-Security-Policy of every report: whoever serves one says it in a
// header, too.
func Policy() string { return page.Policy(style, script) }
