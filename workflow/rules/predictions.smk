# Needs: a trained model or a law of the landscape with its figures, or a model directory from elsewhere; for each
# line of the section `predictions` candidate enhancers and promoters, a genome (for a model of sequences), and
# tracks, if it has some (for a model with a landscape).
# Makes: model directories that can be shared; and for each line its environment, all its pairs with scores (one
# Parquet file for each chromosome, scored in a job of its own), an indexed table, tracks for genome browsers and a
# page to look at.


rule package_model:
    """Package a trained model as a model directory to share."""
    input:
        unpack(packed_landscape),
        shards(PROJECT.names("train", "validation")),
        model=[f"results/models/{{model}}/seed_{{seed}}/{file}" for file in MODEL_FILES],
        metrics=expand(
            "results/evaluation/{{model}}/seed_{{seed}}/{cell_line}/metrics.tsv",
            cell_line=PROJECT.evaluated(),
        ),
        contig_sizes="results/genome/contig_sizes.tsv",
        calibration=lambda wildcards: (
            []
            if PROJECT.models[wildcards.model].environment == "none"
            else f"results/readout/{wildcards.model}/seed_{wildcards.seed}/calibration.json"
        ),
        motifs=[str(path) for path in [PROJECT.config.readout.motifs] if path is not None],
    output:
        packed(sequence=True),
    log:
        "logs/package_model/{model}_seed_{seed}.log",
    benchmark:
        "benchmarks/package_model/{model}_seed_{seed}.tsv"
    wildcard_constraints:
        model=one_of(PROJECT.sequence_models) or "-",
    conda:
        "../envs/predict.yaml"
    resources:
        mem_mb=memory(1000),
        runtime=minutes(10),
    params:
        code=code("cbat.prediction.package"),
        shards=expand("results/shards/{cell_line}", cell_line=PROJECT.names("train", "validation")),
        calibration=lambda wildcards, input: (
            ["--calibration", input.calibration] if input.calibration else []
        ),
        elements=settings("elements"),
        splits=settings("splits"),
        shard_settings=settings("shards"),
        evaluation=settings("evaluation", *HEADLINE_KEYS),
        readout=settings("readout"),
        landscape=landscape_options,
        label_kind=PROJECT.config.labels.kind,
        simulated=SIMULATED_OPTION,
    message:
        "Put the model {wildcards.model} (seed {wildcards.seed}) into a model directory."
    shell:
        "cbat package_model --model-directory results/models/{wildcards.model}/seed_{wildcards.seed}"
        " --name {wildcards.model} --seed {wildcards.seed} --shards {params.shards} --metrics {input.metrics}"
        " {params.landscape} {params.calibration} --contig-sizes {input.contig_sizes} --elements {params.elements:q}"
        " --splits {params.splits:q} --shard-settings {params.shard_settings:q} --label-kind {params.label_kind}"
        " {params.simulated}"
        " --evaluation {params.evaluation:q} --readout {params.readout:q}"
        " --directory results/packages/{wildcards.model}/seed_{wildcards.seed} > {log} 2>&1"


if PROJECT.config.landscape is not None:

    rule package_landscape:
        """Put a law of the landscape into a model directory, to be shared."""
        input:
            unpack(packed_landscape),
            metrics=expand(
                "results/evaluation/{{model}}/seed_{{seed}}/{cell_line}/metrics.tsv",
                cell_line=PROJECT.evaluated(),
            ),
            references=REFERENCES,
            contig_sizes=PREPARED_GENOME[2:],
        output:
            packed(sequence=False),
        log:
            "logs/package_landscape/{model}_seed_{seed}.log",
        benchmark:
            "benchmarks/package_landscape/{model}_seed_{seed}.tsv"
        wildcard_constraints:
            model=one_of(PROJECT.landscape_models) or "-",
        conda:
            "../envs/data.yaml"
        resources:
            mem_mb=memory(1000),
            runtime=minutes(10),
        params:
            code=code("cbat.prediction.landscape_package"),
            landscape=landscape_options,
            train_lines=PROJECT.names("train"),
            validation_lines=PROJECT.names("validation"),
            contig_sizes=lambda wildcards, input: (
                ["--contig-sizes", *input.contig_sizes] if input.contig_sizes else []
            ),
            elements=settings("elements"),
            splits=settings("splits"),
            evaluation=settings("evaluation", *HEADLINE_KEYS),
            label_kind=PROJECT.config.labels.kind,
            simulated=SIMULATED_OPTION,
        message:
            "Put the law {wildcards.model} (seed {wildcards.seed}) into a model directory."
        shell:
            "cbat package_landscape --name {wildcards.model} --seed {wildcards.seed} {params.landscape}"
            " --train-lines {params.train_lines} --validation-lines {params.validation_lines}"
            " --label-kind {params.label_kind} {params.simulated}"
            " --metrics {input.metrics} --references {input.references} {params.contig_sizes}"
            " --elements {params.elements:q} --splits {params.splits:q} --evaluation {params.evaluation:q}"
            " --directory results/packages/{wildcards.model}/seed_{wildcards.seed} > {log} 2>&1"


rule prepare_prediction:
    """Read the candidates and the environment of a new cell line."""
    input:
        unpack(prediction_inputs),
        model=lambda wildcards: [str(path) for path in prediction_model(wildcards).files],
    output:
        expand("results/predictions/{{predicted_line}}/{file}", file=READING_FILES),
        expand(
            "results/predictions/{{predicted_line}}/prepared/{file}",
            file=["enhancer.parquet", "promoter.parquet", "plan.json"],
        ),
        expand(
            "results/predictions/{{predicted_line}}/genome/{file}",
            file=["genome.fa", "genome.fa.fai", "contig_sizes.tsv"],
        ),
    log:
        "logs/prepare_prediction/{predicted_line}.log",
    benchmark:
        "benchmarks/prepare_prediction/{predicted_line}.tsv"
    wildcard_constraints:
        predicted_line=one_of(LINES_OF_SEQUENCES) or "-",
    conda:
        "../envs/predict.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(60),
    params:
        code=code("cbat.prediction.prepare"),
        model=lambda wildcards: prediction_model(wildcards).directory,
        settings=prediction_settings("track_pairs", "page_pairs"),
        options=prediction_options,
    message:
        "Read the candidates and the environment of {wildcards.predicted_line}."
    shell:
        "cbat prepare_prediction --model-directory {params.model:q}"
        " --enhancers {input.enhancers:q} --promoters {input.promoters:q}"
        " --cell-line {wildcards.predicted_line} --settings {params.settings:q} {params.options:q}"
        " --directory results/predictions/{wildcards.predicted_line} > {log} 2>&1"


rule prepare_landscape_prediction:
    """Read the candidates and the landscape of a new cell line, for a law of the landscape."""
    input:
        unpack(prediction_inputs),
        model=lambda wildcards: [str(path) for path in prediction_model(wildcards).files],
    output:
        expand("results/predictions/{{predicted_line}}/{file}", file=LANDSCAPE_READING_FILES),
        expand(
            "results/predictions/{{predicted_line}}/prepared/{file}",
            file=[
                "enhancer.parquet",
                "promoter.parquet",
                "plan.json",
                "landscape.json",
                "genes.parquet",
                "signals.parquet",
                "tracks.parquet",
            ],
        ),
    log:
        "logs/prepare_landscape_prediction/{predicted_line}.log",
    benchmark:
        "benchmarks/prepare_landscape_prediction/{predicted_line}.tsv"
    wildcard_constraints:
        predicted_line=one_of(LINES_OF_LAWS) or "-",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(60),
    params:
        code=code("cbat.prediction.landscape_prepare"),
        model=lambda wildcards: prediction_model(wildcards).directory,
        settings=prediction_settings("track_pairs", "page_pairs"),
        options=prediction_options,
    message:
        "Read the candidates and the landscape of {wildcards.predicted_line}."
    shell:
        "cbat prepare_landscape_prediction --model-directory {params.model:q}"
        " --enhancers {input.enhancers:q} --promoters {input.promoters:q}"
        " --cell-line {wildcards.predicted_line} --settings {params.settings:q} {params.options:q}"
        " --directory results/predictions/{wildcards.predicted_line} > {log} 2>&1"


rule score_chromosome:
    """Score the pairs of one chromosome of a new cell line."""
    input:
        model=lambda wildcards: [str(path) for path in prediction_model(wildcards).files],
        prepared=prepared_line,
    output:
        "results/predictions/{predicted_line}/pairs/{chromosome}.parquet",
    log:
        "logs/score_chromosome/{predicted_line}_{chromosome}.log",
    benchmark:
        "benchmarks/score_chromosome/{predicted_line}_{chromosome}.tsv"
    conda:
        "../envs/predict.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(240),
    params:
        code=code("cbat.prediction.chromosome"),
        model=lambda wildcards: prediction_model(wildcards).directory,
    message:
        "Score the pairs of {wildcards.predicted_line} on {wildcards.chromosome}."
    shell:
        "cbat score_chromosome --model-directory {params.model:q}"
        " --directory results/predictions/{wildcards.predicted_line} --chromosome {wildcards.chromosome}"
        " --output {output} > {log} 2>&1"


rule gather_predictions:
    """Write the scored pairs of a new cell line as tables and tracks."""
    input:
        plan="results/predictions/{predicted_line}/prepared/plan.json",
        pairs=scored_pairs_of,
    output:
        expand("results/predictions/{{predicted_line}}/{file}", file=PREDICTION_FILES),
    log:
        "logs/gather_predictions/{predicted_line}.log",
    benchmark:
        "benchmarks/gather_predictions/{predicted_line}.tsv"
    conda:
        "../envs/predict.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(120),
    params:
        code=code("cbat.prediction.gather"),
        settings=lambda wildcards: prediction_of(wildcards).model_dump_json(include={"track_pairs"}),
    message:
        "Write the scored pairs of {wildcards.predicted_line} as tables and tracks."
    shell:
        "cbat gather_predictions --directory results/predictions/{wildcards.predicted_line}"
        " --pairs {input.pairs} --settings {params.settings:q} > {log} 2>&1"


rule write_prediction_page:
    """Write the page to look at of a new cell line."""
    input:
        model=lambda wildcards: [str(path) for path in prediction_model(wildcards).files],
        environment="results/predictions/{predicted_line}/environment.json",
        prepared=prepared_line,
        pairs=scored_pairs_of,
        genes="results/predictions/{predicted_line}/genes.tsv",
    output:
        "results/predictions/{predicted_line}/index.html",
    log:
        "logs/write_prediction_page/{predicted_line}.log",
    benchmark:
        "benchmarks/write_prediction_page/{predicted_line}.tsv"
    conda:
        "../envs/predict.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(60),
    params:
        code=code("cbat.prediction.page"),
        page=contents("src/cbat/prediction/page_files", "page.*"),
        model=lambda wildcards: prediction_model(wildcards).directory,
        settings=lambda wildcards: prediction_of(wildcards).model_dump_json(include={"page_pairs"}),
    message:
        "Write the page of {wildcards.predicted_line}."
    shell:
        "cbat write_prediction_page --model-directory {params.model:q}"
        " --directory results/predictions/{wildcards.predicted_line} --pairs {input.pairs}"
        " --settings {params.settings:q} > {log} 2>&1"
