import { expect, test } from 'vitest';
import { createEvents } from '../../control-plane/events.ts';

test('a listener that throws keeps no other from hearing', () => {
  const faults: unknown[] = [];
  const heard: unknown[] = [];
  const events = createEvents((error) => faults.push(error));
  const fault = new Error('closed');
  events.subscribe(() => {
    throw fault;
  });
  events.subscribe(({ data }) => heard.push(data));
  events.changed('jobs', 'a');
  expect(heard).toEqual([{ topic: 'jobs', id: 'a' }]);
  expect(faults).toEqual([fault]);
});
