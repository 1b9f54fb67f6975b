package app

import "runtime"

// heapFloor is what the garbage collector takes to be in use besides what is.
const heapFloor = 32 << 20

// raiseHeapFloor lets the heap grow by so many bytes before the garbage
// collector runs; what it gives has to be called in the end. The collector
// runs whenever the heap has doubled, and larder's, which holds little more
// than what requests under way need, is so small that this is dozens of times a
// second. The bytes are address space only: nobody ever touches them, so they
// take no memory.
func raiseHeapFloor() (release func()) {
	floor := make([]byte, heapFloor)
	return func() { runtime.KeepAlive(floor) }
}
