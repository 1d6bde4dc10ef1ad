import { signal } from '@preact/signals';
import type { ShownInstallation } from '../../../src/server/operations/installation.ts';
import { ask } from './connection.ts';

/** What the server has; undefined until it is known. */
export const installation = signal<ShownInstallation | undefined>(undefined);

/** @throws ServerError, OutageError */
export async function loadInstallation(): Promise<void> {
  installation.value = await ask('installation', (reply): Promise<ShownInstallation> => reply.json());
}
