/** Sample texts to index and to search. Each sentence is about another matter, so that a search finds one of them. */
export const RESEARCH_NOTES = `a dovetail holds without glue because its tails are wider than the way out. cut the tails first, then mark the pins from them.

a mortise and tenon carries a table for a century. the tenon is a third of the rail's thickness, and its shoulders hide every gap.

oak moves across the grain by some three percent between a wet summer and a heated winter. leave a solid panel loose in its groove.

hide glue sets slowly and can be undone with warm water, which is why violins are repaired and not replaced.`

export const LIBRARY_NOTES = `The library collects what the other blocks say: whatever has an edge into it is indexed with it.

Japanese saws cut on the pull stroke, so that the blade is held straight by tension and may be thin.`

export const MINUTES = `Present: Ada, Grace, Alan. The bench will be finished before the winter fair.

Alan orders ash for the legs; Grace sharpens the plane irons on Thursday.`
