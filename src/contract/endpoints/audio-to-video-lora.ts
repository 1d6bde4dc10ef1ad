import { defineEndpoint } from '../endpoint.ts';
import { clipSettings } from '../input/clip-settings.ts';
import { inputSchema } from '../input/input-schema.ts';
import { outputSchema } from '../output.ts';
import { pricePerMegapixel } from '../price.ts';

/** Audio to video with the distilled model and LoRAs. */
export const audioToVideoLora = defineEndpoint({
  id: 'fal-ai/ltx-2-19b/distilled/audio-to-video/lora',
  displayName: 'LTX-2 19B Distilled',
  description: 'Generate video with audio from audio, text and images using LTX-2 Distilled and custom LoRA',
  category: 'audio-to-video',
  kind: 'inference',
  status: 'active',
  tags: [],
  licenseType: 'commercial',
  group: { key: 'ltx-2-19b-distilled', label: 'Audio to Video with LoRA' },
  trainingEndpointIds: ['fal-ai/ltx2-video-trainer'],
  price: pricePerMegapixel(0.001),
  inputSchema,
  outputSchema,
  fileFields: ['audio_url', 'image_url', 'end_image_url', 'loras.*.path'],
  toSettings: clipSettings,
});
