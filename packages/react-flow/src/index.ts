export {
  type FramePlace,
  POSITION_FIELD,
  POSITION_MAX,
  type Point,
  readFrame,
  readPosition,
  readSize,
  SIZE_FIELD,
  SIZE_MAX,
  SIZE_MIN,
  type Size,
  setPosition,
  setSize,
} from './board-position.ts'
export { type CopiedBlocks, copyBlocks, pasteBlocks, readCopied } from './copied-blocks.ts'
export { edgeIdOf, type FlowEdge, type FlowEdgeData } from './flow-edges.ts'
export { type FlowNode, type FlowNodeData, FRAME_SIZE } from './flow-nodes.ts'
export { createFrame } from './frames.ts'
export { GRID_GAP, gridColumns, gridPlace } from './grid-place.ts'
export { DRAG_FIELD, DRAG_LIMITS, type LiveDrag, liveDragsOf } from './live-drags.ts'
export { deleteBlocks } from './node-edits.ts'
export { FRAME_TYPE, type PlacedBlock, placedBlocksOf } from './placed-blocks.ts'
export { type FlowEdges, useFlowEdges } from './use-flow-edges.ts'
export { type FlowNodes, type FlowNodesOptions, useFlowNodes } from './use-flow-nodes.ts'
