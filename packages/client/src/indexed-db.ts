/** Resolves with the request's result, rejects with its error. */
export function requestResult<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

/**
 * Runs `body` in one transaction over `stores`. Resolves with its result when the transaction has committed: a successful request
 * is not stored yet, and a full disk shows at the commit. A failure aborts the whole transaction and rejects.
 */
export async function inTransaction<T>(
  db: IDBDatabase,
  stores: string[],
  mode: IDBTransactionMode,
  body: (transaction: IDBTransaction) => Promise<T>,
): Promise<T> {
  const transaction = db.transaction(stores, mode)
  const [result] = await Promise.all([bodyOrAbort(transaction, body), committed(transaction)])
  return result
}

async function bodyOrAbort<T>(
  transaction: IDBTransaction,
  body: (transaction: IDBTransaction) => Promise<T>,
): Promise<T> {
  try {
    return await body(transaction)
  } catch (error) {
    if (transaction.error === null) transaction.abort()
    throw error
  }
}

function committed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve()
    transaction.onabort = () => reject(transaction.error ?? new Error('the IndexedDB transaction was aborted'))
  })
}

/**
 * Opens database `name`, and creates its stores with `create` if it is new. Calls `onClosed` when the database closes without
 * its `close()`: another tab deletes it (this one must let go of it), or the browser closes it. May never settle: another
 * tab can block it, and WebKit sometimes does not answer.
 */
export function openDatabase(
  name: string,
  create: (db: IDBDatabase) => void,
  onClosed: () => void = () => undefined,
): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1)
    request.onupgradeneeded = () => create(request.result)
    request.onerror = () => reject(request.error)
    request.onsuccess = () => {
      const db = request.result
      db.onclose = onClosed
      db.onversionchange = () => {
        db.close()
        onClosed()
      }
      resolve(db)
    }
  })
}

export function deleteDatabase(name: string): Promise<unknown> {
  return requestResult(indexedDB.deleteDatabase(name))
}
