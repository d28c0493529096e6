"""What several configs share: ceilings of fields, and the label and sentence of those that mean the same everywhere."""

# Ceilings of fields without a unit that has one (engine/core/told.py).
INSTANCES = 1_000_000
STACKED = 4_096  # instances at once
RATE = 100  # of learning rates and of decays
WEIGHT = 1_000_000_000  # of a part of a loss
LAST_SEED = 2**63 - 1

# Fields that several configs have: their label and what they do.
ARCHITECTURE = ("Architecture", "What the networks are made of, by its id.")
DATASET = ("Data set", "What the networks are trained on.")
BATCH = ("Batch size", "Images in each step of gradient descent.")
STACK = ("Trained side by side", "Instances trained at once: faster, but takes more memory.")
HALF = ("Store in half precision", "Stores parameters in 16 bits instead of 32. Every metric is measured from what is stored.")
MEASURED = (
    "Measured on the first",
    "Training and validation images that accuracies are measured on, the first of each split; 0 for all. "
    "The test split is always measured in full.",
)
SEED = ("Seed", "Seeds everything random: the same seed on a CPU gives the same result, bit for bit.")
VALIDATE = ("Validate every", "Steps between validations, which choose the best step.")
STEPS = ("Training length", "Steps of gradient descent.")
TEMPERATURE = ("Temperature", "T of the paper's distillation loss: higher softens the answers that are compared.")
WEIGHT_DECAY = ("Weight decay", "Pulls parameters towards zero, apart from the gradient (AdamW); 0 for none. Not in the paper.")
SCALE = (
    "Starting scale",
    "Where the decoder's elementwise scale starts, as a multiple of the zoo's spread; used where the start is 'zoo'. Not in the paper.",
)
