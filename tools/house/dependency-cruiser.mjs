/** Rules of dependency-cruiser, computed from the one table in layers.mjs. */
import { LAYERS } from '../../layers.mjs';

const names = Object.keys(LAYERS);
const oneOf = (list) => `^src/(${list.join('|')})/`;
const TESTS = '[.]test[.]ts$';

export default {
  forbidden: [
    ...names.map((name) => ({
      name: `${name}-uses-only-lower-layers`,
      comment: `src/${name}/ may import: ${LAYERS[name].uses.join(', ') || 'nothing'}. See layers.mjs.`,
      severity: 'error',
      from: { path: `^src/${name}/`, pathNot: TESTS },
      to: { path: '^src/', pathNot: oneOf([name, ...LAYERS[name].uses]) },
    })),
    {
      name: 'enter-a-layer-by-its-index',
      severity: 'error',
      comment: 'Files behind index.ts may move without notice. Export what you need from the index.',
      from: { path: '^src/([^/]+)/', pathNot: TESTS },
      to: {
        path: oneOf(names.filter((n) => LAYERS[n].face !== false)),
        pathNot: ['^src/$1/', '^src/[^/]+/index[.]ts$'],
      },
    },
    {
      name: 'inside-a-layer-import-the-file',
      severity: 'error',
      comment: 'A layer does not import its own index: import the file that owns the thing.',
      from: { path: '^src/([^/]+)/', pathNot: TESTS },
      to: { path: '^src/$1/index[.]ts$' },
    },
    {
      name: 'portable-code-stays-portable',
      severity: 'error',
      comment: 'Only layers marked `node` may use Node modules or packages: the others also run in a browser.',
      from: { path: oneOf(names.filter((n) => !LAYERS[n].node)), pathNot: TESTS },
      to: { dependencyTypes: ['core', 'npm', 'npm-dev', 'npm-optional'] },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'every-folder-is-a-layer', severity: 'error', from: {}, to: { path: '^src/[^/]+/', pathNot: oneOf(names) } },
    { name: 'not-to-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'sources-do-not-import-tests',
      severity: 'error',
      from: { path: '^src/', pathNot: TESTS },
      to: { path: ['^test/', '^tools/', '^bench/'] },
    },
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node'] },
  },
};
