import { defineFilmEndpoint } from '../endpoint.ts';
import { filmId } from '../film/film-id.ts';
import { filmOutputSchema, filmRequestSchema } from '../film/film-schema.ts';
import { pricePerMegapixel } from '../price.ts';

/** Films as long as a recording: our own, on top of the endpoint for clips. No hosted service has it. */
export const film = defineFilmEndpoint({
  id: filmId,
  displayName: 'Soundstage Film',
  description:
    'Generate a film as long as a recording, in parts that go on from each other, using LTX-2 Distilled and custom LoRA',
  category: 'audio-to-video',
  kind: 'inference',
  status: 'active',
  tags: [],
  licenseType: 'commercial',
  group: { key: 'soundstage', label: 'Film' },
  trainingEndpointIds: [],
  price: pricePerMegapixel(0.001),
  inputSchema: filmRequestSchema,
  outputSchema: filmOutputSchema,
  fileFields: ['audio_url', 'anchor_url', 'image_url', 'loras.*.path', 'parts.*.image_url', 'parts.*.loras.*.path'],
});
