import { expect, test } from 'vitest';
import { nothingHere } from '../../../agent/update/updater.ts';

test('in a container it is the image that has to be newer; elsewhere the host’s own way', () => {
  const container = nothingHere({ container: 'docker', hostAddresses: [], hostNetwork: false }).failure;
  expect(container).toMatchObject({
    code: 'update_not_possible',
    message: expect.stringContaining('runs in a container'),
    hint: expect.stringContaining('with the same volume: docs/containers.md'),
  });
  expect(nothingHere(null).failure).toMatchObject({
    code: 'update_not_possible',
    hint: 'Update it on its host, in the way it was installed.',
  });
});
