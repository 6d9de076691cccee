export { DeadlineHeap } from '../../core/machine/deadline-heap.ts';
