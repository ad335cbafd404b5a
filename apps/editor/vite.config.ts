import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { serviceWorker } from './service-worker.build.ts'

/** Script of the page at `/`. */
const FIRST_SCREEN = 'first-screen'

export default defineConfig({
  plugins: [react(), serviceWorker()],
  resolve: { alias: { 'lib0/logging': '@joinery/client/plain-logging' } },
  // The server writes its base into the page. Files name each other from where they are.
  experimental: { renderBuiltUrl: (name, { hostType }) => (hostType === 'html' ? `/${name}` : { relative: true }) },
  // The Content-Security-Policy that the server sends does not allow inlined files.
  build: {
    assetsInlineLimit: 0,
    rolldownOptions: {
      input: { index: 'index.html', [FIRST_SCREEN]: 'src/first-screen/main.ts' },
      output: {
        // The server's page at `/` names this file, so its name has no hash. It only loads those that have one.
        entryFileNames: ({ name }) => (name === FIRST_SCREEN ? '[name].js' : 'assets/[name]-[hash].js'),
      },
    },
  },
})
