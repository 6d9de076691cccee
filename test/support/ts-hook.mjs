// Lets a plain `node --import` run our TypeScript sources: for child processes of tests that must not be vitest's.
import { register } from 'node:module';

const loader = `
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import ts from '${import.meta.resolve('typescript')}';

export async function load(url, context, next) {
  if (!url.endsWith('.ts')) return next(url, context);
  const source = await readFile(fileURLToPath(url), 'utf8');
  const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022, experimentalDecorators: true, verbatimModuleSyntax: true };
  const { outputText } = ts.transpileModule(source, { compilerOptions: options });
  return { format: 'module', source: outputText, shortCircuit: true };
}
`;
register(`data:text/javascript,${encodeURIComponent(loader)}`);
