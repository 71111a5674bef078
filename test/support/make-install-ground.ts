import { builtRelease } from './release.ts';
import { makeContainerBase, makeHostRoot } from './suites.ts';

/**
 * Makes what the tests of the installation and of containers stand on, once: the built agent, and as root a bare Debian to
 * install it on and one to make images of. They would make it themselves, but that takes minutes on a machine that has neither.
 */
async function ready(what: string, made: Promise<unknown>): Promise<void> {
  const started = performance.now();
  await made;
  console.log(`${what}: ready after ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

await Promise.all([
  ready('agent', builtRelease()),
  ...(process.getuid?.() === 0
    ? [ready('bare Debian', makeHostRoot()), ready('Debian for containers', makeContainerBase())]
    : []),
]);
