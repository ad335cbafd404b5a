import { createContext } from 'react'

/** The part of a card's props that is the same for all cards. */
export interface CardSetting {
  readonly actor: string
  readonly workspaceName: string
  readonly onMove: (id: string, by: number | string) => void
  readonly onDelete: (id: string) => void
}
export const CardContext = createContext<CardSetting | undefined>(undefined)
