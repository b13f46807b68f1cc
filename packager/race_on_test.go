//go:build race

package packager

const raceDetector = true
