# Needs: labelled pairs, elements and sequences of the training lines and of a cell line; the hidden truth, if
# the line is simulated.
# Makes: what every result is compared with: prevalence, distance, one element alone, composition, oracles.

SHORTCUT_FILES = ["shortcuts.json", "enhancer_rates.parquet", "promoter_rates.parquet"]


rule fit_references:
    """Fit the shortcuts that every model must beat to the training lines, once for all cell lines."""
    input:
        elements_and_sequences("training"),
        training_labels=expand("results/labels/{cell_line}.parquet", cell_line=PROJECT.names("train")),
    output:
        expand("results/references/{file}", file=SHORTCUT_FILES),
    log:
        "logs/fit_references/references.log",
    benchmark:
        "benchmarks/fit_references/references.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=memory(1000),
        runtime=minutes(60),
    params:
        code=code("cbat.evaluation.shortcuts"),
        settings=settings("evaluation", "seed"),
    shell:
        "cbat fit_references --training-labels {input.training_labels}"
        " --training-elements results/elements/training --training-sequences results/sequences/training"
        " --settings {params.settings:q} --directory results/references > {log} 2>&1"


rule evaluate_references:
    """Evaluate what every model is compared with, on one cell line."""
    input:
        lambda wildcards: elements_and_sequences(cohort_of(wildcards)),
        rules.fit_references.output,
        labels="results/labels/{cell_line}.parquet",
        truth=truth_of,
    output:
        "results/evaluation/reference/{cell_line}/metrics.tsv",
    log:
        "logs/evaluate_references/{cell_line}.log",
    benchmark:
        "benchmarks/evaluate_references/{cell_line}.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=memory(1000),
        runtime=minutes(60),
    params:
        code=code("cbat.evaluation.references"),
        role=role_of,
        cohort=cohort_of,
        truth=lambda wildcards, input: f"--truth {input.truth}" if input.truth else "",
        settings=settings("evaluation", "chromosomes", "n_bootstrap", "seed"),
    shell:
        "cbat evaluate_references --cell-line {wildcards.cell_line} --role {params.role}"
        " --labels {input.labels} --elements results/elements/{params.cohort}"
        " --sequences results/sequences/{params.cohort} --shortcuts results/references"
        " {params.truth} --settings {params.settings:q} --output {output} > {log} 2>&1"
