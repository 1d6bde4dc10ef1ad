/** A LoRA that requests may name by `path` without anything being fetched. */
export interface InstalledLora {
  readonly path: string;
  readonly bytes: number;
  /** `model`: comes with the weights. `folder`: in the operator's LoRA folder. */
  readonly origin: 'model' | 'folder';
}

/** What is installed on this machine besides the server. */
export interface Installation {
  readonly model?: { readonly id: string; readonly title: string; readonly isMiniature: boolean };
  /** Camera moves that work here; absent where that is not known. */
  readonly cameraMoves?: readonly string[];
  readonly loras: readonly InstalledLora[];
}

/** The same, with what the page is to make of it. */
export interface ShownInstallation extends Installation {
  /** Whether the page says what clips cost. */
  readonly showsPrices: boolean;
}

export type DescribeInstallation = () => Promise<Installation>;
