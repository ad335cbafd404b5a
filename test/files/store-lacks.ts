/** Cases of the suite that a store can't meet, each with the cause. They must fail there. */
export type Lacks = Readonly<Record<string, string>>

const NO_LIST = 'it lists neither uploads nor their parts'
const NO_ABORT = 'it aborts no upload'
const OTHER_SIGNATURE = 'it computes the signature of a URL with an apostrophe otherwise'
const REPEATED = 'it answers 500 when an upload is joined twice'

/** The cases that each store can't meet. The suite proves every line, and SPEC.md shows them as a table. */
export const CANNOT: Readonly<Record<'disk' | 'Swift' | 's3rver', Lacks>> = {
  disk: {},
  Swift: {},
  s3rver: {
    'uploads parts in any order, one of them twice, and gives the same bytes back': OTHER_SIGNATURE,
    'names a file by its content alone': NO_ABORT,
    'lists the parts that have arrived': NO_LIST,
    'takes a file without content': OTHER_SIGNATURE,
    'begins one upload under one name': NO_LIST,
    'finds what a repeated call has done before': REPEATED,
    'refuses bytes of another digest, and keeps nothing of them': NO_ABORT,
    'keeps a file that is there when the bytes of another upload under its digest are wrong': OTHER_SIGNATURE,
    'says which parts are not there': 'it never answers',
    'removes an upload that is aborted, and takes no part of it any more': NO_ABORT,
    'refuses a part of another length': 'it does not check the length that was signed',
    'refuses a URL that was changed in any place': 'it takes a part for any upload and number',
    'has browsers save what could run in a page': OTHER_SIGNATURE,
    'keeps the last of two contents of one part': OTHER_SIGNATURE,
    'completes no upload that was aborted': NO_ABORT,
    'sends any name with a download, and no header that a name wants to add': OTHER_SIGNATURE,
    'aborts what was begun twice under one name': NO_LIST,
    'removes all files and uploads of a scope, and no others': NO_LIST,
  },
}
