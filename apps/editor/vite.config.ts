import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { serviceWorker } from './service-worker.build.ts'

export default defineConfig({
  plugins: [react(), serviceWorker()],
  resolve: { alias: { 'lib0/logging': '@joinery/client/plain-logging' } },
  // The Content-Security-Policy that the server sends does not allow inlined files.
  build: { assetsInlineLimit: 0 },
})
