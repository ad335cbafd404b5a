export { describeOwnership, type OwnershipScene } from './ownership-contract.ts'
export { describeTail, type TailScene } from './tail-contract.ts'
