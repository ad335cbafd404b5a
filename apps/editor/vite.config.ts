import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { serviceWorker } from './service-worker.build.ts'

export default defineConfig({
  plugins: [react(), serviceWorker()],
  resolve: { alias: { 'lib0/logging': '@joinery/client/plain-logging' } },
  // Inlined files would need a wider Content-Security-Policy than the one the server sends.
  build: { assetsInlineLimit: 0 },
})
