import { defineConfig } from 'vite';

export default defineConfig({
  // The page may be reached below a path.
  base: './',
  build: {
    target: 'es2022',
    outDir: 'dist',
    emptyOutDir: true,
    // Data URIs would need a weaker policy than the server gives the page.
    assetsInlineLimit: 0,
    // The licenses of what is bundled ask for their notices to go along.
    license: { fileName: 'assets/licenses.md' },
    modulePreload: { polyfill: false },
  },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
});
