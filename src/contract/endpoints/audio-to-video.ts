import { defineEndpoint } from '../endpoint.ts';
import { clipSettings } from '../input/clip-settings.ts';
import { inputSchema } from '../input/input-schema.ts';
import { outputSchema } from '../output.ts';
import { pricePerMegapixel } from '../price.ts';

/** Audio to video with the distilled model as it is. */
export const audioToVideo = defineEndpoint({
  id: 'fal-ai/ltx-2-19b/distilled/audio-to-video',
  displayName: 'LTX-2 19B Distilled',
  description: 'Generate video with audio from audio, text and images using LTX-2 Distilled',
  category: 'audio-to-video',
  kind: 'inference',
  status: 'active',
  tags: [],
  licenseType: 'commercial',
  group: { key: 'ltx-2-19b-distilled', label: 'Audio to Video' },
  trainingEndpointIds: [],
  price: pricePerMegapixel(0.0008),
  inputSchema: inputSchema.omit({ loras: true }).meta({ title: 'LTX2DistilledAudioToVideoInput' }),
  outputSchema,
  fileFields: ['audio_url', 'image_url', 'end_image_url'],
  toSettings: clipSettings,
});
