import { z } from 'zod';

/** What somebody says of themselves when they get an account. */
export const accountFields = {
  name: z.string().trim().min(1).max(100),
  email: z.email().max(254),
  password: z.string().min(8).max(128),
};
