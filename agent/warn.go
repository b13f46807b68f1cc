package main

// warnDisks speaks of disks: what locks at power-off, and where the output lies.
func (c *collection) warnDisks() {}
