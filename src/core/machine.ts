/**
 * What a machine is, as far as people who look at a cluster want to know.
 */
import { z } from 'zod';

export const machineSchema = z.object({
  /** As the processor calls itself. */
  cpu: z.string().max(200),
  /** That the process may use. */
  cores: z.number().int().min(1).max(65_536),
  memoryBytes: z.number().min(0),
});
export type Machine = z.infer<typeof machineSchema>;
