import { build } from 'vite';
import { NODE_FLAGS } from './flags.ts';

const SHEBANG = `#!/usr/bin/env -S node ${NODE_FLAGS.join(' ')}`;

/**
 * The agent and all it imports as the text of one ES module. It is not minified: a stack trace and whoever reads
 * along find the names of the source.
 * @param root the checkout
 */
export async function bundleAgent(root: string): Promise<string> {
  // Vite obeys it before anything that is configured: the build would depend on who builds.
  process.env.NODE_ENV = 'production';
  const result = await build({
    configFile: false,
    root,
    logLevel: 'warn',
    ssr: { noExternal: true, target: 'node' },
    build: {
      ssr: 'agent/main.ts',
      write: false,
      minify: false,
      target: 'esnext',
      rolldownOptions: {
        // Comments in the bundle name files from here: the same wherever the checkout is.
        cwd: root,
        output: { format: 'es', entryFileNames: 'agent.mjs', codeSplitting: false },
        onLog(level, log, handler) {
          // Anything left out, or not found, would be missed on the host only.
          if (level === 'warn') throw new Error(`The agent could not be bundled: ${log.message}`);
          handler(level, log);
        },
      },
    },
  });
  const outputs = (Array.isArray(result) ? result : [result]).flatMap((one) =>
    'output' in one ? one.output : [],
  );
  const [chunk] = outputs;
  if (outputs.length !== 1 || chunk?.type !== 'chunk')
    throw new Error(
      `The agent became ${outputs.length} files: ${outputs.map((one) => one.fileName).join(', ')}`,
    );
  return `${SHEBANG}\n${chunk.code.replace(/^#!.*\n/, '')}`;
}
