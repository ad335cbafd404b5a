import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { serviceWorker } from './service-worker.build.ts'

export default defineConfig({
  plugins: [react(), serviceWorker()],
  // Inlined files would need a wider Content-Security-Policy than the one the server sends.
  build: { assetsInlineLimit: 0 },
})
