import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig({
  plugins: [react()],
  // Inlined files would need a wider Content-Security-Policy than the one the server sends.
  build: { assetsInlineLimit: 0 },
})
