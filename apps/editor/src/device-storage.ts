/** The part of `localStorage` that this page uses. */
export type DeviceStorage = Pick<Storage, 'getItem' | 'setItem'>

/**
 * The browser's storage for this page. Where the browser denies it, or it is full, values last for this visit alone: a page that
 * can't remember a name is no reason to stop.
 */
export function deviceStorage(open: () => DeviceStorage): DeviceStorage {
  const visit = new Map<string, string>()
  return {
    getItem: (key) => {
      try {
        return visit.get(key) ?? open().getItem(key)
      } catch {
        return visit.get(key) ?? null
      }
    },
    setItem: (key, value) => {
      visit.set(key, value)
      try {
        open().setItem(key, value)
      } catch {
        // The value lasts for this visit.
      }
    },
  }
}

export const storage = deviceStorage(() => localStorage)
