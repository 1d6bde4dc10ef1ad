/** Where an endpoint is found, as its documents say. */
export interface Home {
  /** Base of direct runs. */
  readonly run: string;
  /** Base of its pages. */
  readonly site: string;
}

/** Of the endpoints that the platform has too: what is written about them there holds here. */
export const platformHome: Home = Object.freeze({ run: 'https://fal.run', site: 'https://fal.ai' });
