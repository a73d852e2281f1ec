# Needs: elements, sequences and candidates of the training cohort, shards of its cell lines, the prototype graph
# without unseen lines, and the files of config/encoders and config/models; with the section `landscape` also the
# law of the model and the landscapes of these lines.
# Makes: encoders that models share, and one model directory for each model and seed. Nothing of an unseen line
# is read here.

# With device auto a GPU is taken where there is one, but none is asked of a scheduler: a profile may do so.
TRAINING_DEVICE = PROJECT.config.training.device
TRAINING_RESOURCES = {"mem_mb": memory(1000), "runtime": minutes(720), "gpu": int(TRAINING_DEVICE == "cuda")}
# One process reads elements itself; several are started by one that only adds up.
ENCODER_THREADS = PROJECT.config.training.threads
ENCODER_MEMORY = memory(1000 + (500 * ENCODER_THREADS if ENCODER_THREADS > 1 else 0))
# Several processes share the cell lines of a training; each has its threads and, with `device: cuda`, its GPU.
PROCESSES = PROJECT.config.training.processes
# What changes a model, if only as dropout falls otherwise in several processes; neither curves for a browser do,
# nor a stop for what has collapsed, which `check_collapse` makes up for.
TRAINING_KEYS = ["device", "precision", "processes", "blocks_at_once"]
TRAINING_ENVIRONMENT = f"../envs/train-{'gpu' if TRAINING_DEVICE == 'cuda' else 'cpu'}.yaml"


rule pretrain_encoder:
    """Learn motif filters from the training lines' candidates, without interaction labels."""
    input:
        elements_and_sequences("training"),
    output:
        [f"results/encoders/{{encoder}}/seed_{{seed}}/{file}" for file in ENCODER_FILES],
    log:
        "logs/pretrain_encoder/{encoder}_seed_{seed}.log",
    benchmark:
        "benchmarks/pretrain_encoder/{encoder}_seed_{seed}.tsv"
    # Filters and training follow one another and take longest: what waits for neither waits for them.
    priority: 5
    conda:
        TRAINING_ENVIRONMENT
    threads: ENCODER_THREADS
    resources:
        **TRAINING_RESOURCES | {"mem_mb": ENCODER_MEMORY},
    params:
        code=code("cbat.training.pretrain"),
        settings=lambda wildcards: PROJECT.encoders[wildcards.encoder].model_dump_json(),
        training=settings("training", "device", "precision"),
        train_lines=PROJECT.names("train"),
    message:
        "Learn motif filters ({wildcards.encoder}, seed {wildcards.seed})."
    shell:
        "cbat pretrain_encoder --train-lines {params.train_lines} --elements-directory results/elements/training"
        " --sequences-directory results/sequences/training --settings {params.settings:q}"
        " --training {params.training:q} --seed {wildcards.seed} --threads {threads}"
        " --directory results/encoders/{wildcards.encoder}/seed_{wildcards.seed} > {log} 2>&1"


rule train_model:
    """Train a model on the training lines; validation chromosomes and lines choose its checkpoint."""
    input:
        shards(PROJECT.names("train", "validation")),
        encoder=lambda wildcards: expand(
            "results/encoders/{encoder}/seed_{seed}/{file}",
            encoder=PROJECT.models[wildcards.model].encoder,
            seed=wildcards.seed,
            file=ENCODER_FILES,
        ),
        graph="results/graph/training/graph.json",
        law=lambda wildcards: law_file(wildcards.model),
        landscapes=landscapes(PROJECT.names("train", "validation")),
    output:
        [f"results/models/{{model}}/seed_{{seed}}/{file}" for file in MODEL_FILES],
        history="results/models/{model}/seed_{seed}/history.jsonl",
        versions="results/models/{model}/seed_{seed}/versions.json",
    log:
        "logs/train_model/{model}_seed_{seed}.log",
    benchmark:
        "benchmarks/train_model/{model}_seed_{seed}.tsv"
    wildcard_constraints:
        model=one_of(PROJECT.sequence_models) or "-",
    priority: 5
    conda:
        TRAINING_ENVIRONMENT
    threads: PROCESSES * PROJECT.config.training.threads
    resources:
        **TRAINING_RESOURCES
        | {"mem_mb": memory(1000 * PROCESSES), "gpu": PROCESSES * int(TRAINING_DEVICE == "cuda")},
    params:
        code=code("cbat.training.train"),
        settings=lambda wildcards: PROJECT.models[wildcards.model].model_dump_json(),
        # What a command is told may hold more than what it runs again for, see `sheet`.
        training=lambda wildcards, input: settings(
            "training", *TRAINING_KEYS, "fail_on_collapse", "tensorboard"
        ),
        counts=settings("training", *TRAINING_KEYS),
        encoder=lambda wildcards, input: Path(input.encoder[0]).parent,
        shards=expand("results/shards/{cell_line}", cell_line=PROJECT.names("train", "validation")),
        train_lines=PROJECT.names("train"),
        validation_lines=PROJECT.names("validation"),
        landscape=lambda wildcards, input: (
            ["--law", *input.law, "--landscapes", *landscape_folders(PROJECT.names("train", "validation"))]
            if input.law
            else []
        ),
    message:
        "Train the model {wildcards.model} (seed {wildcards.seed})."
    shell:
        "cbat train_model --shards {params.shards} --train-lines {params.train_lines}"
        " --validation-lines {params.validation_lines} --encoder {params.encoder} --graph {input.graph}"
        " {params.landscape} --settings {params.settings:q} --training {params.training:q} --seed {wildcards.seed}"
        " --threads {threads} --directory results/models/{wildcards.model}/seed_{wildcards.seed}"
        " --tensorboard logs/tensorboard/{wildcards.model}_seed_{wildcards.seed}"
        " --checkpoints results/checkpoints/{wildcards.model}_seed_{wildcards.seed}"
        " > {log} 2>&1"
