import { useServer } from '@joinery/react'

/** Whether this person may write here. True until the server has said otherwise: who opens a page offline goes on writing. */
export const useCanWrite = (): boolean => useServer()?.access !== 'read'
