export { describeTail, type TailScene } from './tail-contract.ts'
