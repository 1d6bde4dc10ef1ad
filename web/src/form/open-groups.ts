import { signal } from '@preact/signals';

const storageName = 'soundstage.groups';

/** Groups that were folded or unfolded by hand, by title; the others are as they come. */
const chosen = signal<Readonly<Record<string, boolean>>>(stored());

export function isOpen(title: string, isOpenAtFirst: boolean): boolean {
  return chosen.value[title] ?? isOpenAtFirst;
}

/** Kept in this browser. */
export function setOpen(title: string, isOpen: boolean): void {
  chosen.value = { ...chosen.value, [title]: isOpen };
  localStorage.setItem(storageName, JSON.stringify(chosen.value));
}

function stored(): Readonly<Record<string, boolean>> {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(storageName) ?? '{}');
    const entries = typeof found === 'object' && found !== null ? Object.entries(found) : [];
    return Object.fromEntries(entries.filter(([, value]) => typeof value === 'boolean'));
  } catch {
    // Something else was stored under the name.
    return {};
  }
}
