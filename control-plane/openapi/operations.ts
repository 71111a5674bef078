import type { Operations } from './operation.ts';
import { DATA } from './operations-data.ts';
import { FLEET } from './operations-fleet.ts';
import { PEOPLE } from './operations-people.ts';
import { POLICIES } from './operations-policies.ts';

/** Every route under `/api/v1`, by method and path; a test holds it to what is registered. */
export const OPERATIONS: Operations = { ...PEOPLE, ...FLEET, ...DATA, ...POLICIES };
