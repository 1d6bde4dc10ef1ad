/** The endpoint this program serves: its published identity, texts and prices. */
export const endpoint = Object.freeze({
  id: 'fal-ai/ltx-2-19b/distilled/audio-to-video/lora',
  /** The first two segments, under which the queue keeps its requests. */
  app: 'fal-ai/ltx-2-19b',
  displayName: 'LTX-2 19B Distilled',
  description: 'Generate video with audio from audio, text and images using LTX-2 Distilled and custom LoRA',
  category: 'audio-to-video',
  kind: 'inference',
  status: 'active',
  tags: Object.freeze<string[]>([]),
  licenseType: 'commercial',
  group: Object.freeze({ key: 'ltx-2-19b-distilled', label: 'Audio to Video with LoRA' }),
  trainingEndpointIds: Object.freeze(['fal-ai/ltx2-video-trainer']),
  price: Object.freeze({
    unitPrice: 0.001,
    unit: 'megapixels',
    currency: 'USD',
    text:
      'Your request will cost $0.001 per megapixel of generated video data (width × height × frames), rounded up. ' +
      'For example, if you generate a video that is 121 frames long at 1280 × 720, your total generated video is ' +
      '≈112 MP, and your request will cost $0.112.',
  }),
});

/** Addresses the published documents name. */
export const publishedUrls = Object.freeze({
  run: `https://fal.run/${endpoint.id}`,
  queue: 'https://queue.fal.run',
  playground: `https://fal.ai/models/${endpoint.id}`,
  documentation: `https://fal.ai/models/${endpoint.id}/api`,
  openapi: `https://fal.ai/api/openapi/queue/openapi.json?endpoint_id=${endpoint.id}`,
});
