// Package server is the hub itself: it puts NATS, the registry, the jobs and the intake
// of archives together, and answers what endpoints, operators and the console ask. It
// holds no key that can start anything, and none that decrypts. Begin with Start.
//
//   - server.go: the parts, in the order in which they start and stop
//   - lane.go: one endpoint after another: nobody's messages make others wait
//   - api.go: requests; jobs.go, status.go: what they are about
//   - watch.go: what happens, told to who looks
package server
