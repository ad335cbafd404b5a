import type { BlocksRefusal } from './refusal.ts'

/** Limits of one update. An update beyond them is refused whole. Each bounds a cost; honest content may have any size below it. */
export const UPDATE_LIMITS = {
  /**
   * Levels of Yjs types in each other. Yjs deletes types by recursion: from about 1,500 levels on a deletion overflows a stack
   * of 1 MB and makes the document unusable, for good. Editors nest a few dozen.
   */
  typeDepthMax: 500,
  /** Levels of types that wait, in each other. Each may come to stand as deep as `typeDepthMax`, so both together stay safe. */
  typeDepthWaitingMax: 100,
  /**
   * Client ids of a document, up to which an update may bring any number of new ones: what a workspace gathers in years. Yjs
   * copies its table of clients at every transaction, so that 50,000 cost each later edit some 20 ms.
   */
  clientsMax: 50_000,
  /** New client ids that an update may bring to a document beyond `clientsMax`: people come and go there, too. */
  clientsNewMax: 1_024,
  /** Greatest clock. Yjs uses 32-bit integers in places. */
  clockMax: 2 ** 31 - 1,
  /**
   * Steps that it may take to tell whether the items of one update can stand between their neighbours, some 50 ns each. An item
   * needs steps only where others have written between its neighbours meanwhile, and Yjs then takes as many.
   */
  orderStepsMax: 1_000_000,
  /** Comparisons of two items that one comparison may lead to, within each other: each goes back in time, few go back twice. */
  orderNestingMax: 200,
  /**
   * Steps that Yjs may take to find the places of one update's items, some 200 ns each: it passes each item that others put at the
   * same place. Real histories take a few.
   */
  placementStepsMax: 500_000,
  /**
   * The same of all updates since the document was loaded or an update was tried, so that many updates below the bound do not make
   * a document that takes long to load. Beyond it an update may take `placementStepsLateMax`.
   */
  placementStepsOfDocumentMax: 10_000_000,
  placementStepsLateMax: 10_000,
  /** Items of one update of which the steps among each other are not counted: they can't take more than 500,000. */
  placementItemsFree: 1_000,
  /**
   * Structs of the document that Yjs may move, in its list of a client's structs, for one update, some 5 ns each: it moves all behind a
   * struct that is cut. A list of 10,000 structs, as of a long history, may be cut in 500 places.
   */
  movesMax: 5_000_000,
  /**
   * Structs of one update. Each takes some 500 bytes and 1 µs while the update is checked and applied, and everybody else waits. The
   * whole history of a document that people edited for years has some 100,000. A server may cut a larger update into pieces.
   */
  structsMax: 150_000,
  /**
   * Ranges of deletions of one update. Each may split an item, which moves all later ones of its client. The history of 260,000
   * keystrokes has 2,600.
   */
  deletionsMax: 30_000,
  /**
   * Names of root types in a document. To encode it, Yjs looks for the name of each root among all of them. Applications have a
   * few, or one for each page.
   */
  rootsMax: 2_000,
  /** Subdocuments of a document. Yjs makes a document of each, which takes some 4 KB and 12 µs. Applications have one for each page. */
  subdocumentsMax: 2_000,
  /**
   * Greatest distance of a run number or seq from the highest known: a client without a network counts so far when it sets one
   * field ten times a second for almost three hours.
   */
  countJumpMax: 100_000,
} as const

/** Carries a refusal out of the update reader. `inspect` returns the refusal. */
export class Refused extends Error {
  override name = 'Refused'
  readonly refusal: BlocksRefusal
  constructor(refusal: BlocksRefusal) {
    super(refusal.reason)
    this.refusal = refusal
  }
}
