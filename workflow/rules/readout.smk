# Needs: a model directory, the shards of the training cohort and of the evaluated lines; optionally known motifs.
# Makes: tables of the tissues, lines and motifs that each line's support sets point to, how far these
# probabilities can be trusted, and a figure. The cohort of training alone decides how far.

READOUT_FILES = [
    "tissue_posterior.tsv",
    "line_posterior.tsv",
    "deviating_motifs.tsv",
    "calibration.tsv",
    "calibration.json",
]
READOUTS = expand(
    "results/readout/{model}/seed_{seed}/{file}",
    model=PRESENTED,
    seed=PROJECT.config.seeds,
    file=READOUT_FILES,
)
DRAWN_READOUT = f"results/readout/{PROJECT.config.full_model}/seed_{PROJECT.config.seeds[0]}"


rule read_environment:
    """Say which tissues, lines and motifs the support sets of cell lines point to."""
    input:
        shards(PROJECT.names("train", "validation")),
        shards(PROJECT.evaluated()),
        model=[f"results/models/{{model}}/seed_{{seed}}/{file}" for file in MODEL_FILES],
        motifs=[str(path) for path in [PROJECT.config.readout.motifs] if path is not None],
    output:
        "results/readout/{model}/seed_{seed}/tissue_posterior.tsv",
        "results/readout/{model}/seed_{seed}/line_posterior.tsv",
        "results/readout/{model}/seed_{seed}/calibration.json",
        "results/readout/{model}/seed_{seed}/deviating_motifs.tsv",
        "results/readout/{model}/seed_{seed}/calibration.tsv",
    log:
        "logs/read_environment/{model}_seed_{seed}.log",
    benchmark:
        "benchmarks/read_environment/{model}_seed_{seed}.tsv"
    conda:
        "../envs/train-cpu.yaml"
    resources:
        mem_mb=memory(1000),
        runtime=minutes(60),
    params:
        code=code("cbat.evaluation.environment_readout"),
        calibration_shards=expand(
            "results/shards/{cell_line}", cell_line=PROJECT.names("train", "validation")
        ),
        shards=expand("results/shards/{cell_line}", cell_line=PROJECT.evaluated()),
        tissues=[f"{name}={PROJECT.row(name).tissue}" for name in PROJECT.evaluated()],
        settings=settings("evaluation", "chromosomes", "support_sizes", "headline_support"),
        readout=settings("readout"),
    message:
        "Read which tissues and motifs support sets point to ({wildcards.model}, seed {wildcards.seed})."
    shell:
        "cbat read_environment --model-directory results/models/{wildcards.model}/seed_{wildcards.seed}"
        " --calibration-shards {params.calibration_shards} --shards {params.shards}"
        " --stated-tissues {params.tissues} --settings {params.settings:q} --readout {params.readout:q}"
        " --threads {threads} --directory results/readout/{wildcards.model}/seed_{wildcards.seed}"
        " > {log} 2>&1"


rule plot_environment_readout:
    """Draw which tissues and motifs the support sets of cell lines point to."""
    input:
        tissue_posterior=f"{DRAWN_READOUT}/tissue_posterior.tsv",
        deviating_motifs=f"{DRAWN_READOUT}/deviating_motifs.tsv",
    output:
        report(
            "results/figures/environment_readout.svg",
            caption="../report/environment_readout.rst",
            category="Environment",
            labels={"result": "What the support sets say"},
        ),
    log:
        "logs/plot_environment_readout/figure.log",
    benchmark:
        "benchmarks/plot_environment_readout/figure.tsv"
    conda:
        "../envs/plots.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(10),
    params:
        code=code("cbat.evaluation.readout_figure"),
        n_support=PROJECT.config.evaluation.headline_support,
    message:
        "Draw which tissues and motifs support sets point to."
    shell:
        "cbat plot_environment_readout --tissue-posterior {input.tissue_posterior}"
        " --deviating-motifs {input.deviating_motifs} --n-support {params.n_support} --output {output}"
        " > {log} 2>&1"
