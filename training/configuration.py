"""Sizes of the miniature. Same keys as the published checkpoint's configuration; only numbers differ."""

LATENT_CHANNELS = 64
Z_CHANNELS = 4
TEXT_WIDTH = 128

TRANSFORMER = {
    "_class_name": "AVTransformer3DModel",
    "activation_fn": "gelu-approximate",
    "attention_bias": True,
    "attention_type": "default",
    "num_layers": 6,
    "num_attention_heads": 3,
    "attention_head_dim": 64,
    "cross_attention_dim": 192,
    "audio_num_attention_heads": 3,
    "audio_attention_head_dim": 32,
    "audio_cross_attention_dim": 96,
    "in_channels": LATENT_CHANNELS,
    "out_channels": LATENT_CHANNELS,
    "audio_in_channels": 16 * Z_CHANNELS,
    "audio_out_channels": 16 * Z_CHANNELS,
    "caption_channels": TEXT_WIDTH,
    "cross_attention_norm": True,
    "norm_eps": 1e-6,
    "norm_elementwise_affine": False,
    "qk_norm": "rms_norm",
    "positional_embedding_type": "rope",
    "rope_type": "split",
    "frequencies_precision": "float64",
    "positional_embedding_theta": 10000.0,
    "positional_embedding_max_pos": [20, 2048, 2048],
    "audio_positional_embedding_max_pos": [20],
    "use_middle_indices_grid": True,
    "causal_temporal_positioning": True,
    "timestep_scale_multiplier": 1000,
    "av_ca_timestep_scale_multiplier": 1000.0,
    "av_cross_ada_norm": True,
    "use_audio_video_cross_attention": True,
    "use_embeddings_connector": True,
    "connector_num_layers": 2,
    "connector_num_attention_heads": 4,
    "connector_attention_head_dim": 32,
    "connector_num_learnable_registers": 128,
    "connector_norm_output": True,
    "connector_positional_embedding_max_pos": [4096],
}

VAE = {
    "_class_name": "CausalVideoAutoencoder",
    "dims": 3,
    "in_channels": 3,
    "out_channels": 3,
    "latent_channels": LATENT_CHANNELS,
    "latent_log_var": "uniform",
    "norm_layer": "pixel_norm",
    "patch_size": 4,
    "timestep_conditioning": False,
    "causal_decoder": False,
    "encoder_base_channels": LATENT_CHANNELS,
    "decoder_base_channels": 16,
    "encoder_blocks": [
        ["compress_all_res", {"multiplier": 2}],
        ["res_x", {"num_layers": 2}],
        ["compress_all_res", {"multiplier": 2}],
        ["compress_all_res", {"multiplier": 2}],
    ],
    "decoder_blocks": [
        ["res_x", {"inject_noise": False, "num_layers": 1}],
        ["compress_all", {"multiplier": 2, "residual": True}],
        ["res_x", {"inject_noise": False, "num_layers": 3}],
        ["compress_all", {"multiplier": 2, "residual": True}],
        ["res_x", {"inject_noise": False, "num_layers": 3}],
        ["compress_all", {"multiplier": 2, "residual": True}],
        ["res_x", {"inject_noise": False, "num_layers": 1}],
    ],
    "use_quant_conv": False,
    "normalize_latent_channels": False,
    "scaling_factor": 1.0,
}

AUDIO_VAE = {
    "model": {
        "params": {
            "sampling_rate": 16000,
            "embed_dim": Z_CHANNELS,
            "ddconfig": {
                "double_z": True, "mel_bins": 64, "z_channels": Z_CHANNELS, "resolution": 256, "downsample_time": False,
                "in_channels": 2, "out_ch": 2, "ch": 16, "ch_mult": [1, 2, 4], "num_res_blocks": 1,
                "attn_resolutions": [], "dropout": 0.0, "mid_block_add_attention": False, "norm_type": "pixel",
                "causality_axis": "height",
            },
        }
    },
    "preprocessing": {
        "audio": {"sampling_rate": 16000, "max_wav_value": 32768.0, "duration": 5.12, "stereo": True, "causal_padding": 3},
        "stft": {"filter_length": 1024, "hop_length": 160, "win_length": 1024, "causal": True},
        "mel": {"n_mel_channels": 64, "mel_fmin": 0, "mel_fmax": 8000},
    },
}

VOCODER = {
    "resblock": "1",
    "upsample_initial_channel": 128,
    "upsample_rates": [6, 5, 8],
    "upsample_kernel_sizes": [16, 15, 16],
    "resblock_kernel_sizes": [7],
    "resblock_dilation_sizes": [[1, 3]],
    "stereo": True,
}

UPSAMPLER = {
    "_class_name": "LatentUpsampler", "in_channels": LATENT_CHANNELS, "mid_channels": 64, "num_blocks_per_stage": 1,
    "dims": 3, "spatial_upsample": True, "temporal_upsample": False, "spatial_scale": 2.0, "rational_resampler": True,
}

GEMMA = {
    "hidden_size": TEXT_WIDTH, "num_hidden_layers": 6, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 32,
    "intermediate_size": 384, "query_pre_attn_scalar": 32, "rms_norm_eps": 1e-6, "rope_theta": 1_000_000.0,
    "rope_local_base_freq": 10_000.0, "rope_scaling": {"rope_type": "linear", "factor": 8.0}, "sliding_window": 1024,
    "sliding_window_pattern": 6, "max_position_embeddings": 8192, "hidden_activation": "gelu_pytorch_tanh",
    "model_type": "gemma3_text", "vocab_size": 1450,
}

# Fewer steps than the published model's: what those between 1 and 0.909 do, one does, and what is drawn at half the size
# needs little noise to become sharp.
STAGE_1_SIGMAS = [1.0, 0.909375, 0.725, 0.421875, 0.0]
STAGE_2_SIGMAS = [0.421875, 0.0]

SCHEDULER = {
    "_class_name": "RectifiedFlowScheduler", "num_train_timesteps": 1000, "sampler": "LinearQuadratic", "shifting": None,
    "base_resolution": None, "stage_1_sigmas": STAGE_1_SIGMAS, "stage_2_sigmas": STAGE_2_SIGMAS,
}
